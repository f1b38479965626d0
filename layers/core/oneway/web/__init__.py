"""What both web functions share: events, answers, pages, sessions."""
