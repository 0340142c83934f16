"""What the simulator knows: schools, people, courses, lessons, files."""
