// What holds a Pod's namespaces open while its containers come and go.
module llmtrain.io/tests/pause

go 1.25
