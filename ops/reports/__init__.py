"""Reports for mail, chat and spreadsheets."""
