"""Who is who: a projection of what matters tells of the firm, its people, clients and matters."""
