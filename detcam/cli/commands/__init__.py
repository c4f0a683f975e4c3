"""The commands, a module each; what takes long to import is imported when a command runs."""
