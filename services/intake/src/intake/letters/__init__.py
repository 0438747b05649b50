"""Letters on the firm's paper: that it will not act, that it no longer acts."""
