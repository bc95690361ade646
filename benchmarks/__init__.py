"""How accurate the forecasts are, beside published tables and beside other packages."""
