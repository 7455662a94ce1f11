"""The command line: the same commands, flags and outputs as the real program's."""
