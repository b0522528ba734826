//! The program itself, as its operator runs it: a process with arguments, an environment, files, signals.

mod demo;
mod online;
mod process;
mod repair;
mod settings;
