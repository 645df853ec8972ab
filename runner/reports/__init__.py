"""What a run leaves for machines and for people who were not there: JUnit XML, Markdown, annotations."""
