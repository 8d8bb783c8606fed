"""Public fakes and conformance checks for the seams, for the tests of Pilotfish and of those who build on it."""
