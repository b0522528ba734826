//! The program `webox`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use api::cli::{Cli, run};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody writes the log, because of its level or before there is one, people are told all the same.
            if tracing::enabled!(tracing::Level::ERROR) {
                tracing::error!("{error:#}");
            } else {
                let _ = writeln!(io::stderr(), "error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        api::cli::Cli::command().debug_assert();
    }
}
