"""Every name that the firm knows, in whatever script, so that near ones are found and explained."""
