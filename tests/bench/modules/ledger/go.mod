module northwind.example/ledger

go 1.27
