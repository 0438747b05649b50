"""The firm's wording of agreements, in versions that are never changed."""
