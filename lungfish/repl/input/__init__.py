"""From text to what the interpreter runs: variables, the words behind a command, and conditions."""
