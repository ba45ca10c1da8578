"""What all suites share: how a subject is built, started and measured, and how figures become tables and charts."""
