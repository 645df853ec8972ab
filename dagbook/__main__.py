"""`python -m dagbook`: the command line."""

from .runner.cli import main

main(prog_name="dagbook")
