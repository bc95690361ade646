"""Routes of the nixtla client."""
