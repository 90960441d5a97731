"""Alert hits: verification, disposition, and the page that shows new ones."""
