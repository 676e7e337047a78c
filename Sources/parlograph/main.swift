import ParlographCommands

await EntryPoint.run()
