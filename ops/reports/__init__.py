"""Reports of what happened, for mail, chat and spreadsheets."""
