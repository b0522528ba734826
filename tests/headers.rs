//! What goes around the words: headers that keep browsers safe, cookies, and how much of what one client may have.

mod cookies;
mod limits;
mod origins;
mod safety;
mod wire;
