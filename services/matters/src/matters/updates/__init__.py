"""What clients are told of their matters: drafted from facts, approved by a person, sent as the
client prefers; "no news" is an update too."""
