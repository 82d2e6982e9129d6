"""The trade viewer: a page to keep open all day, and the JSON it is made of. It reads; it changes nothing."""
