"""`python -m llmtrain_cli`: the command line, where it is not on the PATH."""

from llmtrain_cli.main import main

main()
