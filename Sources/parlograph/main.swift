import ParlographCommands

await Entrance.run()
