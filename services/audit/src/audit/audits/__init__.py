"""Audits: the whole record read and proved again on a schedule, with a signed report and findings
that stay open until somebody closes them."""
