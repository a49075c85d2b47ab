"""What an evaluation leaves behind: JSON, pictures, the page of wrong clips."""
