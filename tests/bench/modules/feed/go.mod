module northwind.example/feed

go 1.27
