//! Documents, read as their readers read them.

mod samples;
