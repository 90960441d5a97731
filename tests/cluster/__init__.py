"""`deploy/kubernetes` on a Kubernetes cluster of two nodes, on this machine: `make cluster`.

No pytest: one story of an hour for Debian 12, as root, told with times. What a cluster is made of comes from
Go modules (`prepare`), its images from `deploy/stand-ins`. Everything is below build/cluster; what it makes
elsewhere on the machine is removed at the end.
"""
