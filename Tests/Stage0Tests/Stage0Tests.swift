// Stage0
