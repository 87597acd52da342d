"""Reports as text, JSON, CSV, XLSX and HTML; each format is a module, imported when it is asked for."""
