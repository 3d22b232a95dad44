package hf

const adapterConfigFile = "adapter_config.json"
