"""Operations in files: JSON lines, CSV and XLSX."""
