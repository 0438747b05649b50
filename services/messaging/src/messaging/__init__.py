"""Messaging answers for what clients and the firm say to each other: every message is kept as it
came, is on the record, gets its acknowledgment, and reaches the person who must answer.
"""
