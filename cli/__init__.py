"""The `pilotfish` command. It parses, calls the library and prints; nothing is decided here."""
