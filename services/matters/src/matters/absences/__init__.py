"""Who is away when, and who acts for them: nobody is away without cover."""
