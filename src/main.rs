//! The program `bantin`; see [`bantin::cli`].

fn main() -> std::process::ExitCode {
    bantin::cli::main()
}
