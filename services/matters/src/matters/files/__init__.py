"""The client's file (Model Rule 1.16(d)): bundles of a matter's record, and who got them how."""
