"""The wire: carries out what connectors declare about authentication, paging, limits and errors."""
