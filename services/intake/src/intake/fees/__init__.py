"""Fee terms as billing disclosed them to clients, for agreements to name and nothing else."""
