"""Plain pages for people without an account: the form, and what a link leads to. They work without
scripts, and say nothing that the API behind them does not."""
