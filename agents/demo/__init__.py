"""Harbor Coffee: an organization to look around in, with texts of its own."""
