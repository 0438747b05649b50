"""Engagements: agreed in writing, read before they are signed, signed by everybody who must."""
