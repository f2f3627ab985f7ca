"""The command line: `llmtrain run`, `plan`, `validate`, `status`, `chat`."""
