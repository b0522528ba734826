//! What a question may do: nothing. Whoever asks, however oddly, the log stays as it is; lists are whole, and tell a
//! reader who has the answer already.

mod lists;
mod purity;
mod tags;
