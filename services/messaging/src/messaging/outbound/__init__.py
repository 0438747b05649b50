"""Mail out: what leaves the firm, composed once, sent until it is accepted or refused for good."""
