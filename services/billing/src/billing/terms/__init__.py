"""Fee terms: explained in writing before work, accepted exactly as explained, versioned."""
