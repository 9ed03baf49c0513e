"""What makes instances go on: claim, interpret, commit, wake; and the calls to services."""
