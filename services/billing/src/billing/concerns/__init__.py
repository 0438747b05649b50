"""Concerns about bills: heard on any channel, clocked, owned by a person, ended in words."""
